"""The report formats that CI systems read, each as a text."""
