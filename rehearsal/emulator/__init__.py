"""The emulator: moto's server, with what moto's CloudFormation lacks supplied on top of moto's own services."""
