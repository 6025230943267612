"""The resolver of the VPC, and the records that it serves."""
