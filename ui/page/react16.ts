import * as React from "react";
import * as ReactDOM from "react-dom";
import {Page} from "./page";

(ReactDOM as any).render(React.createElement(Page), document.getElementById("app"));
Object.assign(window, {React, ReactDOM});
