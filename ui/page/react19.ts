import * as React from "react";
import * as ReactDOM from "react-dom";
import {createRoot} from "react-dom/client";
import {Page} from "./page";

createRoot(document.getElementById("app")!).render(React.createElement(Page));
Object.assign(window, {React, ReactDOM});
