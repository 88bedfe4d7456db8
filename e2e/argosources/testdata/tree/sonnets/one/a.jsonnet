{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" }, data: { file: std.thisFile[std.length(std.thisFile)-9:] } }
