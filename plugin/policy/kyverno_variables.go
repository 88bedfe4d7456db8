package policy

import (
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// variablesType is the type of "variables" in a Kyverno policy.
func variablesType() *types.Type { return types.NewObjectType("kyverno.variables") }

// variableTypes adds the variables of one policy to the types of an
// environment, so that each has its own type.
type variableTypes struct {
	types.Provider
	known map[string]*types.Type
}

func newVariableTypes(env *cel.Env) *variableTypes {
	return &variableTypes{Provider: env.CELTypeProvider(), known: map[string]*types.Type{}}
}

// add makes a variable known to the expressions after it.
func (v *variableTypes) add(name string, of *types.Type) { v.known[name] = of }

// FindStructType implements types.Provider.
func (v *variableTypes) FindStructType(name string) (*types.Type, bool) {
	if name == variablesType().TypeName() {
		return types.NewTypeTypeWithParam(variablesType()), true
	}
	return v.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (v *variableTypes) FindStructFieldNames(name string) ([]string, bool) {
	if name != variablesType().TypeName() {
		return v.Provider.FindStructFieldNames(name)
	}
	names := make([]string, 0, len(v.known))
	for known := range v.known {
		names = append(names, known)
	}
	slices.Sort(names)
	return names, true
}

// FindStructFieldType implements types.Provider.
func (v *variableTypes) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if name != variablesType().TypeName() {
		return v.Provider.FindStructFieldType(name, field)
	}
	of, found := v.known[field]
	if !found {
		return nil, false
	}
	return &types.FieldType{Type: of}, true
}
