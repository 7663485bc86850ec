"""Saltus, event engine, float64, through its public interface: the gradients of all weights."""

from contestant import serve
from saltus_network import saltus_step

if __name__ == "__main__":
    serve(lambda task, batch, threads: saltus_step(task, batch, threads, engine="event"))
