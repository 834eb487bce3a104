// Visit the book in Firefox, and print what was seen as JSON: node lab/book/firefox.mjs FIREFOX [PAGE...]
// The first page is the playground: each exercise is run as it is, and with its answer.

import {pathToFileURL} from "node:url";
import {resolve} from "node:path";
import process from "node:process";

const root = resolve(import.meta.dirname, "../..");
const driver = resolve(root, "build/npm/node_modules/puppeteer-core/lib/puppeteer/puppeteer-core.js");
const {default: puppeteer} = await import(pathToFileURL(driver));
const [executablePath, ...pages] = process.argv.slice(2);
const LONG = {timeout: 120_000};
const options = {browser: "firefox", executablePath, headless: true, ...LONG, protocolTimeout: LONG.timeout};
const browser = await puppeteer.launch(options);
const seen = {exercises: {}, titles: {}, outside: [], errors: []};

function address(name) {
  return `${pathToFileURL(resolve(root, "build/book"))}/${name}`;
}

async function run(page) {
  await page.waitForSelector("#run:enabled", LONG);
  await page.click("#run");
  const done = await page.waitForSelector("body[data-ran]", LONG);
  return done.evaluate((body) => body.dataset.ran);
}

async function exercise(page, name) {
  await page.evaluate((each) => { location.hash = `exercise=${each}`; }, name);
  await page.waitForFunction((each) => document.getElementById("exercise").value === each, LONG, name);
  const before = await run(page);
  await page.click("#answer");
  return [before, await run(page)];
}

try {
  const page = await browser.newPage();
  page.on("request", (request) => { if (/^https?:/.test(request.url())) seen.outside.push(request.url()); });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  await page.goto(address("playground.html"), LONG);
  await page.waitForSelector("body[data-ready]", LONG);
  seen.ready = await page.$eval("#status", (status) => status.textContent);
  const names = await page.$$eval("#exercise option", (all) => all.map((each) => each.value).filter(Boolean));
  for (const name of names) seen.exercises[name] = await exercise(page, name);
  for (const name of pages) {
    await page.goto(address(name), LONG);
    seen.titles[name] = await page.title();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
