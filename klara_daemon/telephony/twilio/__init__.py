"""Twilio Programmable Voice: the wire format (`protocol`) and the requests (`client`)."""
