"""A rehearsal of the deployment: the real CDK CLI against an AWS emulator on this machine."""
