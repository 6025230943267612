"""A rehearsal of the deployment: the CDK CLI against an AWS emulator on this machine."""
