package policy

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
	"github.com/kyverno/sdk/extensions/cel/libs/globalcontext"
	"github.com/kyverno/sdk/extensions/cel/libs/hash"
	"github.com/kyverno/sdk/extensions/cel/libs/http"
	"github.com/kyverno/sdk/extensions/cel/libs/image"
	"github.com/kyverno/sdk/extensions/cel/libs/imagedata"
	"github.com/kyverno/sdk/extensions/cel/libs/json"
	"github.com/kyverno/sdk/extensions/cel/libs/math"
	kyvernoresource "github.com/kyverno/sdk/extensions/cel/libs/resource"
	kyvernotime "github.com/kyverno/sdk/extensions/cel/libs/time"
	"github.com/kyverno/sdk/extensions/cel/libs/transform"
	kyvernouser "github.com/kyverno/sdk/extensions/cel/libs/user"
	"github.com/kyverno/sdk/extensions/cel/libs/x509"
	"github.com/kyverno/sdk/extensions/cel/libs/yaml"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// The variables that a Kyverno policy reads beside those of the API server.
const (
	kyvernoExceptions = "exceptions"
	// kyvernoNow is what time.now() becomes: the run's time. No policy can write
	// the name itself.
	kyvernoNow = "@now"
)

// inflatedBytes is the most that gzip.decompress may make of an object's field.
const inflatedBytes = 8 << 20

// kyvernoEnv is the CEL environment of Kyverno 1.19's ValidatingPolicy
// (pkg/cel/policies/vpol/compiler) over the API server's own, without the
// variables of a policy. In the environment of a namespace the functions of
// "resource" take no namespace.
func kyvernoEnv(namespace string) (*cel.Env, error) {
	base, err := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).Env(environment.StoredExpressions)
	if err != nil {
		return nil, fmt.Errorf("preparing CEL for Kyverno's policies: %w", err)
	}
	declared := apiservercel.NewDeclTypeProvider(plugincel.BuildNamespaceType(), kyvernoRequestType(), kyvernoExceptionType())
	typed, err := declared.EnvOptions(base.CELTypeProvider())
	if err != nil {
		return nil, fmt.Errorf("preparing CEL for Kyverno's policies: %w", err)
	}
	env, err := base.Extend(append(append(typed, kyvernoVariables()...), kyvernoLibraries(namespace)...)...)
	if err != nil {
		return nil, fmt.Errorf("preparing CEL for Kyverno's policies: %w", err)
	}
	return env, nil
}

func kyvernoVariables() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Variable(plugincel.ObjectVarName, cel.DynType),
		cel.Variable(plugincel.OldObjectVarName, cel.DynType),
		cel.Variable(plugincel.RequestVarName, kyvernoRequestType().CelType()),
		cel.Variable(plugincel.NamespaceVarName, plugincel.BuildNamespaceType().CelType()),
		cel.Variable(kyvernoExceptions, kyvernoExceptionType().CelType()),
		cel.Variable(kyvernoNow, cel.TimestampType),
		cel.Variable(plugincel.VariableVarName, variablesType()),
	}
}

// kyvernoRequestType is the API server's request with the objects in it.
func kyvernoRequestType() *apiservercel.DeclType {
	request := plugincel.BuildRequestType()
	for _, name := range []string{plugincel.ObjectVarName, plugincel.OldObjectVarName} {
		request.Fields[name] = apiservercel.NewDeclField(name, apiservercel.DynType, false, nil, nil)
	}
	return request
}

func kyvernoExceptionType() *apiservercel.DeclType {
	texts := apiservercel.NewListType(apiservercel.StringType, -1)
	fields := map[string]*apiservercel.DeclField{}
	for _, name := range []string{"allowedImages", "allowedValues"} {
		fields[name] = apiservercel.NewDeclField(name, texts, true, nil, nil)
	}
	return apiservercel.NewObjectType("libs.Exception", fields)
}

// kyvernoLibraries are the functions. Those of the cluster, the network and the
// registry are declared, so that policies compile; no context stands behind
// them, as the evaluation says that they are unknown.
func kyvernoLibraries(namespace string) []cel.EnvOption {
	return []cel.EnvOption{
		ext.Bindings(), ext.Encoders(), ext.Math(), ext.Protos(), ext.Regex(ext.RegexVersion(1)),
		globalcontext.Lib(nil, globalcontext.Latest()),
		http.Lib(nil, http.Latest()),
		imagedata.Lib(nil, imagedata.Latest(), nil),
		kyvernoresource.Lib(nil, namespace, kyvernoresource.Latest()),
		image.Lib(image.Latest()), hash.Lib(hash.Latest()), math.Lib(math.Latest()),
		json.Lib(&json.JsonImpl{}, json.Latest()), yaml.Lib(&yaml.YamlImpl{}, yaml.Latest()),
		kyvernotime.Lib(kyvernotime.Latest()), transform.Lib(transform.Latest()),
		kyvernouser.Lib(kyvernouser.Latest()), x509.Lib(x509.Latest()),
		cel.Macros(
			cel.ReceiverMacro("now", 0, nowOfTheRun), cel.ReceiverMacro("orValue", 1, orValueOfAnything), cel.ReceiverMacro("range", 1, boundedRange),
		),
		cel.Function(rangeFunction, cel.Overload("range_int", []*cel.Type{cel.IntType}, cel.ListType(cel.IntType), cel.UnaryBinding(rangeTo))),
		cel.Function(orValueFunction, cel.Overload("or_value_dyn_dyn", []*cel.Type{cel.DynType, cel.DynType}, cel.DynType, cel.BinaryBinding(orValue))),
		cel.Function("gzip.compress", cel.Overload("gzip_compress_dyn", []*cel.Type{cel.DynType}, cel.BytesType, cel.UnaryBinding(deflate))),
		cel.Function("gzip.decompress", cel.Overload("gzip_decompress_bytes", []*cel.Type{cel.BytesType}, cel.StringType, cel.UnaryBinding(inflate))),
		cel.Function("random", randomOverloads("plain")...),
		cel.Function("random.random", randomOverloads("prefixed")...),
	}
}

// nowOfTheRun gives time.now() the run's time: a verdict reads no clock.
func nowOfTheRun(factory cel.MacroExprFactory, target celast.Expr, _ []celast.Expr) (celast.Expr, *cel.Error) {
	if target.Kind() != celast.IdentKind || target.AsIdent() != "time" {
		return nil, nil //nolint:nilnil // cel-go's word for "not expanded"
	}
	return factory.NewIdent(kyvernoNow), nil
}

const orValueFunction = "@orValue"

// orValueOfAnything lets orValue stand behind a value that is not optional, as
// Kyverno does: it is then that value.
func orValueOfAnything(factory cel.MacroExprFactory, target celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
	return factory.NewCall(orValueFunction, target, args[0]), nil
}

func orValue(value, otherwise ref.Val) ref.Val {
	optional, is := value.(*types.Optional)
	switch {
	case !is:
		return value
	case optional.HasValue():
		return optional.GetValue()
	}
	return otherwise
}

const rangeFunction = "@range"

// rangeMost is the longest list that lists.range may make: its length may be the
// application's, as in lists.range(object.spec.replicas), and it is made before
// its cost is counted.
const rangeMost = 100_000

func boundedRange(factory cel.MacroExprFactory, target celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
	if target.Kind() != celast.IdentKind || target.AsIdent() != "lists" {
		return nil, nil //nolint:nilnil // cel-go's word for "not expanded"
	}
	return factory.NewCall(rangeFunction, args[0]), nil
}

func rangeTo(value ref.Val) ref.Val {
	length, is := value.(types.Int)
	if !is {
		return types.MaybeNoSuchOverloadErr(value)
	}
	if length < 0 || length > rangeMost {
		return types.NewErr("lists.range: a length of %d is not between 0 and %d", length, rangeMost)
	}
	list := make([]int64, length)
	for i := range list {
		list[i] = int64(i)
	}
	return types.DefaultTypeAdapter.NativeToValue(list)
}

// randomOverloads have no answer: a verdict that changes from run to run is
// none.
func randomOverloads(id string) []cel.FunctionOpt {
	unknown := func(...ref.Val) ref.Val { return unknownRandom.value() }
	return []cel.FunctionOpt{
		cel.Overload("random_"+id, []*cel.Type{}, cel.StringType, cel.FunctionBinding(unknown)),
		cel.Overload("random_string_"+id, []*cel.Type{cel.StringType}, cel.StringType,
			cel.UnaryBinding(func(ref.Val) ref.Val { return unknownRandom.value() })),
	}
}

func deflate(value ref.Val) ref.Val {
	text, is := value.Value().(string)
	if !is {
		return types.MaybeNoSuchOverloadErr(value)
	}
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, err := writer.Write([]byte(text))
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		return types.WrapErr(fmt.Errorf("compressing: %w", err))
	}
	return types.Bytes(out.Bytes())
}

// inflate is bounded, as what it inflates is the application's.
func inflate(value ref.Val) ref.Val {
	data, is := value.Value().([]byte)
	if !is {
		return types.MaybeNoSuchOverloadErr(value)
	}
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return types.WrapErr(fmt.Errorf("decompressing: %w", err))
	}
	text, err := io.ReadAll(io.LimitReader(reader, inflatedBytes+1))
	switch {
	case err != nil:
		return types.WrapErr(fmt.Errorf("decompressing: %w", err))
	case len(text) > inflatedBytes:
		return types.NewErr("decompressing: more than %d bytes", inflatedBytes)
	}
	return types.String(text)
}
