"""The network of the VPC: network namespaces, links and iptables rules."""
