"""The whole story with everything real but the two vendors, and with one part after another taken away."""
