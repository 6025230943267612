"""APIs of AWS that Envoy calls itself, with the role of its task: there is no control plane."""
