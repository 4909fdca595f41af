"""Links between cores, processes and nodes over ZeroMQ: what makes a ref work from everywhere."""
