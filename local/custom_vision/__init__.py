"""An emulator of the Azure Custom Vision Training and Prediction API. Never deployed, never imported by the app."""
