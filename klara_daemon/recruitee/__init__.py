"""Recruitee's API: the wire format (`protocol`) and the requests (`client`)."""
