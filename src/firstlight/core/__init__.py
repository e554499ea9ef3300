"""The core: errors, records, settings, the run folder. It knows neither Keras nor torch."""
