"""Klara: a telephone assistant for recruiting teams that work in Recruitee."""

__version__ = "0.1.0"
