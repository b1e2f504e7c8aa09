import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

/** One import from a file of one room to a file of another. */
export interface Arrow {
  readonly fromRoom: string;
  readonly toRoom: string;
  readonly fromFile: string;
  readonly toFile: string;
  /** `import type`: needs nothing of the other room at run time. */
  readonly typeOnly: boolean;
}

/** Packages and Node modules that a file imports. */
export interface OutsideImport {
  readonly room: string;
  readonly file: string;
  readonly module: string;
}

export interface ImportGraph {
  readonly files: readonly string[];
  readonly arrows: readonly Arrow[];
  readonly outside: readonly OutsideImport[];
}

function importsOf(file: string): { module: string; typeOnly: boolean }[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(file, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: { module: string; typeOnly: boolean }[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      found.push({ module: node.moduleSpecifier.text, typeOnly });
    }
    if (
      ts.isCallExpression(node) &&
      node.expression.kind === ts.SyntaxKind.ImportKeyword &&
      node.arguments[0] !== undefined &&
      ts.isStringLiteral(node.arguments[0])
    ) {
      found.push({ module: node.arguments[0].text, typeOnly: false });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/**
 * Reads the imports of all TypeScript files below a source folder; test files are left out.
 * A room is a first-level folder; files directly in the source folder belong to room `main`.
 */
export function readImportGraph(sourceFolder: string): ImportGraph {
  const root = resolve(sourceFolder);
  const files = globSync('**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort();
  const roomOf = (file: string): string =>
    file.includes(sep) ? (file.split(sep)[0] ?? '') : 'main';
  const arrows: Arrow[] = [];
  const outside: OutsideImport[] = [];
  for (const file of files) {
    for (const { module, typeOnly } of importsOf(join(root, file))) {
      if (!module.startsWith('.')) {
        outside.push({ room: roomOf(file), file, module });
        continue;
      }
      const target = relative(root, resolve(root, dirname(file), module));
      if (roomOf(target) !== roomOf(file)) {
        arrows.push({
          fromRoom: roomOf(file),
          toRoom: roomOf(target),
          fromFile: file,
          toFile: target,
          typeOnly,
        });
      }
    }
  }
  return { files, arrows, outside };
}
