// Builds the extension, its tests, and the page that stands for Argo CD's in
// the browser's tests.
//
//   node build.mjs extension FILE        what argocd-server serves
//   node build.mjs tests FOLDER          the tests, for node --test
//   node build.mjs page ARGOCD-UI FOLDER the page; ARGOCD-UI is the folder ui of Argo CD's sources
import {createHash} from "node:crypto";
import {copyFileSync, mkdirSync, readFileSync, readdirSync} from "node:fs";
import {dirname, join, relative} from "node:path";
import {fileURLToPath} from "node:url";
import {build} from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const common = {bundle: true, absWorkingDir: here, charset: "ascii", logLevel: "warning", legalComments: "none"};

// What decides what is built; a test of manifests/ reckons the same.
export function sources() {
    const files = ["build.mjs", "package-lock.json", "package.json", "tsconfig.json"];
    for (const entry of readdirSync(join(here, "src"), {recursive: true, withFileTypes: true})) {
        if (entry.isFile()) files.push(relative(here, join(entry.parentPath ?? entry.path, entry.name)));
    }
    const sum = createHash("sha256");
    for (const file of files.sort()) {
        sum.update(`${createHash("sha256").update(readFileSync(join(here, file))).digest("hex")}  ${file}\n`);
    }
    return sum.digest("hex");
}

// React is Argo CD's own: two copies in one page do not work together.
const react = {react: join(here, "src/react.cjs")};

async function extension(file) {
    await build({
        ...common, alias: react, entryPoints: ["src/index.ts"], outfile: file, minify: true, format: "iife", target: "es2020",
        banner: {js: `// Shows assay's verdicts in Argo CD. Built by make ui from ui/ of the sources sha256:${sources()}`},
    });
}

async function tests(folder) {
    const entryPoints = readdirSync(join(here, "test")).filter((name) => /\.test\.tsx?$/.test(name)).map((name) => join("test", name));
    await build({...common, entryPoints, outdir: folder, outExtension: {".js": ".cjs"}, platform: "node", format: "cjs", target: "node20"});
}

// Argo CD's bundler lets a namespace be called, which the language does not.
const registryOf = (file) => ({
    name: "registry",
    setup(on) {
        on.onResolve({filter: /^registry$/}, () => ({path: file}));
        on.onLoad({filter: /extensions-service\.ts$/}, () => ({
            contents: readFileSync(file, "utf8").replace("import * as minimatch", "import minimatch"), loader: "ts", resolveDir: here,
        }));
    },
});

// The page has Argo CD's own registry of extensions, and each of the two
// versions of React that the supported versions of Argo CD have.
async function page(argocd, folder) {
    const registry = registryOf(join(argocd, "src/app/shared/services/extensions-service.ts"));
    for (const version of ["16", "19"]) {
        const modules = version === "19" ? {} : {react: "react16", "react-dom": "react-dom16"};
        const out = join(folder, version);
        mkdirSync(out, {recursive: true});
        // argocd-server keeps index.html for the user interface that is built into it.
        for (const [from, to] of [["index.html", "index.html"], ["index.html", "page.html"], ["page.css", "page.css"]]) copyFileSync(join(here, "page", from), join(out, to));
        await build({
            ...common, entryPoints: [`page/react${version}.ts`], outfile: join(out, "page.js"), format: "iife", target: "es2020",
            alias: modules, plugins: [registry], define: {"process.env.NODE_ENV": "\"production\""}, minify: true,
        });
    }
}

const [command, ...args] = process.argv.slice(2);
const commands = {extension: [extension, 1], tests: [tests, 1], page: [page, 2]};
if (!commands[command] || args.length !== commands[command][1]) {
    console.error("usage: node build.mjs extension FILE | tests FOLDER | page ARGOCD-UI FOLDER");
    process.exit(64);
}
await commands[command][0](...args);
