"""What YAML can name: data sets, models, optimizers, schedules, losses, and plug-ins."""
