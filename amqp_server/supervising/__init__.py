"""Several nodes of one host as one program: started in order, watched, and ended in order.

    layout        where nodes of a development cluster are: folders, ports, settings; pure
    sharing       several nodes behind the ports of one; pure
    supervision   what is started, ended and told, and when; pure
    children      children of this process, which end with it
    running       the loop between the two

A child says that it is ready as to systemd, and etcd does so too.
"""
