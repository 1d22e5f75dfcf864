// A run's page: says the step aloud when it changes, and says so when the server stops answering.
import { followRun } from "./runs/follow.js";

followRun();
