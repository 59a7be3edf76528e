"""What a step costs, measured beside what it is compared with, in one run: machines are noisy, ratios less so."""
