"""Attacks on SpineTK, run and counted by benchmarks/attack.py."""
