"""Validity of the certificates that are made for a run."""

# AWS Certificate Manager User Guide, *Private certificates*: 13 months.
VALID_DAYS, MAX_DAYS = 395, 3650
