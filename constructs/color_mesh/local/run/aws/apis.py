"""APIs of AWS in a run, and the outages that they may have: what the command line knows of them."""

CLOUD_MAP, ACM, PRIVATE_CA, SECRETS_MANAGER = APIS = ("cloud-map", "acm", "acm-pca", "secretsmanager")
OUTAGES = {
    "slow": "every call takes 30 s",
    "throttle": "every call is throttled",
    "deny": "every call is denied",
    "down": "its addresses refuse connections",
}
