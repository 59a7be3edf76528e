"""What reaches us over HTTP: webhooks of Recruitee and the phone company, the spoken call's socket, health."""
