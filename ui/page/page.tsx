// The page that stands for Argo CD's: its own user interface is built with a
// package that is published at its source alone. What an extension meets is the
// same: the registry of extensions is Argo CD's file, React is in the window
// before extensions.js runs, the classes and the order of loading are Argo CD's,
// and the Application comes from the same API.
//
// The address says what is shown: ?app=NAMESPACE/NAME&theme=dark&view=panel.
import * as React from "react";
import {ExtensionsService} from "registry";

const query = new URLSearchParams(location.search);
const service = new ExtensionsService();

export function Page() {
    const [, setTurn] = React.useState(0);
    const [application, setApplication] = React.useState<any>(undefined);
    const [flyout, setFlyout] = React.useState("");
    React.useEffect(() => {
        const again = () => setTurn((turn) => turn + 1);
        service.addEventListener("statusPanel", again);
        service.addEventListener("resource", again);
        again();
    }, []);
    const load = () => {
        const [namespace = "", name = ""] = (query.get("app") ?? "argocd/shop").split("/");
        void fetch(`api/v1/applications/${name}?appNamespace=${namespace}`).then((response) => response.json()).then(setApplication);
    };
    React.useEffect(load, []);
    const panels = service.getStatusPanelExtensions();
    const tabs = service.getResourceTabs("argoproj.io", "Application");
    const shown = panels.find((panel: any) => panel.id === flyout);
    const view = query.get("view") ?? "both";
    return (
        <div className={`theme-${query.get("theme") ?? "light"}`}>
            {application && view !== "tab" && (
                <div className="application-status-panel">
                    <Item title="APP HEALTH" value="Healthy" />
                    <Item title="SYNC STATUS" value="Synced" />
                    {panels.map((panel: any) => (
                        <panel.component key={panel.title} application={application} openFlyout={() => setFlyout(panel.id)} />
                    ))}
                </div>
            )}
            {application && view === "both" && <button id="refreshed" hidden onClick={load} />}
            {application && view === "tab" && tabs.map((tab: any) => (
                <div className="panel" key={tab.title}>
                    <h1>{tab.title}</h1>
                    <tab.component application={application} resource={application} tree={{}} />
                </div>
            ))}
            {shown?.flyout && (
                <div className="panel" id="flyout">
                    <shown.flyout application={application} tree={{}} />
                </div>
            )}
        </div>
    );
}

function Item({title, value}: {title: string; value: string}) {
    return (
        <div className="application-status-panel__item">
            <label>{title}</label>
            <div className="application-status-panel__item-value">{value}</div>
        </div>
    );
}
