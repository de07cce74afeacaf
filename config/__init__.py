"""What we were given: settings, plan files, ladder files, and the wiring that builds everything."""
