"""Parts of Envoy's container that depend on its configuration, which is complete at synthesis only."""

from collections.abc import Callable

import jsii
from aws_cdk import IListProducer, IResolveContext, IStringProducer

from color_mesh.cdk.envoy_configuration import EnvoyConfiguration
from color_mesh.cdk.envoy_process import READY_SCRIPT, READY_SCRIPT_WITH_CERTIFICATES


@jsii.implements(IListProducer)
class EntryPoint:
    """Entry point of Envoy's container."""

    def __init__(self, configuration: EnvoyConfiguration, render: Callable[..., list[str]]) -> None:
        """Render the entry point at synthesis.

        Args:
            configuration: Configuration of the Envoy.
            render: Renders the entry point, with the arguments ``values`` for the placeholders in the configuration,
                and ``certificates``.
        """
        self._configuration = configuration
        self._render = render

    def produce(self, context: IResolveContext) -> list[str]:
        """Return the entry point."""
        uses_certificates = bool(self._configuration.certificates())
        return self._render(values=self._configuration.tokens(), certificates=uses_certificates)


@jsii.implements(IStringProducer)
class ReadyScript:
    """Script of the health check of Envoy's container."""

    def __init__(self, configuration: EnvoyConfiguration) -> None:
        """Choose the script at synthesis, from the configuration of the Envoy."""
        self._configuration = configuration

    def produce(self, context: IResolveContext) -> str:
        """Return the script."""
        return READY_SCRIPT_WITH_CERTIFICATES if self._configuration.certificates() else READY_SCRIPT
