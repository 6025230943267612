"""The emulator: moto's server, with resource types that moto's CloudFormation lacks, on moto's own services."""
