// Reads [{query, variables, data}] and prints, for each, what GitHub's schema does not allow in it.
import { readFileSync } from "node:fs";
import {
  buildClientSchema, getNamedType, getVariableValues, isLeafType, isListType, isNonNullType, Kind, parse, validate,
} from "graphql";

const file = new URL("./node_modules/@octokit/graphql-schema/schema.json", import.meta.url);
const schema = buildClientSchema(JSON.parse(readFileSync(file, "utf8")));
const told = JSON.parse(readFileSync(0, "utf8")).map(({ query, variables, data }) => {
  const document = parse(query);
  const problems = validate(schema, document).map((error) => error.message);
  if (problems.length) return problems;
  const operation = document.definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  const values = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  problems.push(...(values.errors ?? []).map((error) => error.message));
  const named = new Set((operation.variableDefinitions ?? []).map((one) => one.variable.name.value));
  problems.push(...Object.keys(variables).filter((name) => !named.has(name)).map((name) => `$${name} is not declared`));
  if (data !== null) check(operation.selectionSet, schema.getRootType(operation.operation), data, "data", problems);
  return problems;
});
process.stdout.write(JSON.stringify(told));

function check(selected, type, data, where, problems) {
  const asked = new Set();
  for (const selection of selected.selections) {
    const name = (selection.alias ?? selection.name).value;
    asked.add(name);
    const field = type.getFields()[selection.name.value].type;
    if (!(name in data)) problems.push(`${where}.${name} is missing`);
    else if (data[name] === null) {
      if (isNonNullType(field)) problems.push(`${where}.${name} is null`);
    } else if (!isLeafType(getNamedType(field)) && !isListType(field)) {
      check(selection.selectionSet, getNamedType(field), data[name], `${where}.${name}`, problems);
    }
  }
  for (const name of Object.keys(data)) if (!asked.has(name)) problems.push(`${where}.${name} was not asked for`);
}
