import { QueryClientProvider } from "@tanstack/preact-query";
import { render } from "preact";
import { queries } from "./api/queries";
import { App } from "./app";
import { startClock } from "./parts/clock";
import { startTheme } from "./parts/theme";

startTheme();
startClock();
const root = document.getElementById("app");
if (root) {
  render(
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>,
    root,
  );
}
