"""A local web application to look at results, correct them and send them on."""
