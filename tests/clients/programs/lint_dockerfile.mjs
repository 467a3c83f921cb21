// Prints what dockerfile-utils finds wrong with the Dockerfile that is named, a line each.
import { readFileSync } from "node:fs";
import dockerfileUtils from "dockerfile-utils";

for (const found of dockerfileUtils.validate(readFileSync(process.argv[2], "utf8"))) {
  console.log(`${found.range.start.line + 1}: ${found.message}`);
}
