"""Layer declare: from text to data (scenarios, protocol profiles). Knows neither judging nor the operating system."""
