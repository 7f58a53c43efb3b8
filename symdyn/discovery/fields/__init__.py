"""The law of fields and the evidence on its point symmetries: the parts of `symdyn.discovery.point`."""
