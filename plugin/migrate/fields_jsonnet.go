package migrate

import "go.yaml.in/yaml/v3"

// jsonnet carries directory.jsonnet.
func jsonnet(c *carrying, path string, _, value *yaml.Node) {
	fields := map[string]field{
		"extVars": variables("directory-jsonnet-ext-vars", "directory-jsonnet-ext-code"),
		"tlas":    variables("directory-jsonnet-tlas", "directory-jsonnet-tla-code"),
		"libs":    array("directory-jsonnet-libs"),
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		c.one(fields, path+"."+value.Content[i].Value, value.Content[i], value.Content[i+1])
	}
}

// variables become two mappings: texts, and code. A name is in one of them.
func variables(texts, code string) field {
	return func(c *carrying, path string, key, value *yaml.Node) {
		plain, expressions, both := mapping(), mapping(), mapping()
		for _, item := range value.Content {
			into, set := plain, member(item, "value")
			if member(item, "code").Value == "true" {
				into = expressions
			}
			if c.pairs(path, both, member(item, "name"), set) {
				c.pairs(path, into, member(item, "name"), set)
			}
		}
		if len(plain.Content) > 0 {
			c.add(texts, key, "map", plain)
		}
		if len(expressions.Content) > 0 {
			c.add(code, nil, "map", expressions)
		}
	}
}
