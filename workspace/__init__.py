"""The floor: settings, paths, state, runs, processes, secrets and errors that every room stands on."""
