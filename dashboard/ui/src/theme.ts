// Runs before the style sheet, so that nothing flashes in the wrong theme.
import { initialTheme } from "./lib/theme";

document.documentElement.dataset["theme"] = initialTheme();
