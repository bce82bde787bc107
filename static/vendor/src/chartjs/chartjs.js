// Chart.js, of which only what static/js/chart.js draws with: lines, bars, bands, whiskers. No tooltip, no legend: ours are HTML.
import { BarController, BarElement, CategoryScale, Chart, Filler, LinearScale, LineController, LineElement, PointElement } from "chart.js";

Chart.register(BarController, BarElement, CategoryScale, Filler, LinearScale, LineController, LineElement, PointElement);

export { Chart };
