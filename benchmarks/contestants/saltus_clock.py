"""Saltus, clock engine, float32, steps of 1 ms, through its public interface: all weight gradients."""

from contestant import serve
from saltus_network import saltus_step
from speech import STEP

if __name__ == "__main__":
    serve(lambda task, batch, threads: saltus_step(task, batch, threads, engine="clock", dt=STEP))
