// Registers what assay adds to the page of an Application in Argo CD: a panel in
// the status bar, which opens the whole verdict, and a tab beside its manifest.
import {Flyout, Panel} from "./panel";
import {addStyle} from "./style";
import {Tab} from "./tab";

interface Extensions {
    registerResourceExtension(component: unknown, group: string, kind: string, title: string, options?: {icon: string}): void;
    registerStatusPanelExtension(component: unknown, title: string, id: string, flyout?: unknown): void;
}

const {extensionsAPI} = window as unknown as {extensionsAPI: Extensions};

addStyle(document);
extensionsAPI.registerResourceExtension(Tab, "argoproj.io", "Application", "VERDICT", {icon: "fa fa-check-circle"});
extensionsAPI.registerStatusPanelExtension(Panel, "assay", "assay", Flyout);
