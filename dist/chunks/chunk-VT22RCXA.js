import {createRequire as __createRequire} from 'node:module';import {fileURLToPath as __fileURLToPath} from 'node:url';const require = __createRequire(import.meta.url);const __filename = __fileURLToPath(import.meta.url), __dirname = __fileURLToPath(new URL('.', import.meta.url))
import{b as t}from"./chunk-53HFHGDK.js";var e=t("node:process");var r=e;export{r as a};
