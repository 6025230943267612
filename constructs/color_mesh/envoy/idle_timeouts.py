"""Idle timeouts of connections between Envoys.

They end before AWS forgets a connection, which it does without telling either end: a network load balancer after 350 s
(Network Load Balancers User Guide, *Connection idle timeout*), and the security groups of newer instances too (Amazon
EC2 API Reference, *ConnectionTrackingConfiguration*). Envoy's default is one hour.

The caller ends a connection first. Otherwise it might send a request on a connection that the other end is closing.
"""

# Of the Envoy that accepted the connection. More than the 60 s after which an application load balancer closes one.
SERVER_IDLE_MILLIS = 300_000
# Of the Envoy that opened the connection.
CLIENT_IDLE_MILLIS = 240_000
