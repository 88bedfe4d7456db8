package policy

import (
	v1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// attributes are one request to the API server: a subject and an operation.
type attributes struct {
	versioned *admission.VersionedAttributes
	request   *v1.AdmissionRequest
}

// attributesCache keeps the requests of one subject, so that all policies
// share the object's CEL form.
type attributesCache struct {
	create, update *attributes
	// converted are those in other versions.
	converted map[inVersionOf]*attributes
}

type inVersionOf struct {
	operation admission.Operation
	version   string
}

// request is the subject as the API server would be asked to create or update
// it.
func (s *subject) request(operation admission.Operation) *attributes {
	if operation == admission.Update {
		if s.attributes.update == nil {
			s.attributes.update = s.newRequest(operation, &metav1.UpdateOptions{})
		}
		return s.attributes.update
	}
	if s.attributes.create == nil {
		s.attributes.create = s.newRequest(operation, &metav1.CreateOptions{})
	}
	return s.attributes.create
}

// requestAs is the request as a policy sees it that asks for another version;
// an empty version is the subject's own.
func (s *subject) requestAs(operation admission.Operation, version string) (*attributes, error) {
	own := s.request(operation)
	if version == "" {
		return own, nil
	}
	key := inVersionOf{operation, version}
	if known := s.attributes.converted[key]; known != nil {
		return known, nil
	}
	kind, resource := s.kind, s.resource
	kind.Version, resource.Version = version, version
	object, err := apiserver.Converted(own.versioned.GetObject(), kind)
	if err != nil {
		return nil, err
	}
	as := sent{object: object}
	if old := own.versioned.GetOldObject(); old != nil {
		if as.old, err = apiserver.Converted(old, kind); err != nil {
			return nil, err
		}
	}
	if s.attributes.converted == nil {
		s.attributes.converted = map[inVersionOf]*attributes{}
	}
	s.attributes.converted[key] = versionedRequest(own.versioned.Attributes, as, kind, resource)
	return s.attributes.converted[key], nil
}

func (s *subject) newRequest(operation admission.Operation, options runtime.Object) *attributes {
	as := sent{object: s.object}
	if operation == admission.Update && s.old != nil {
		as = sent{object: s.updated, old: s.old}
	}
	record := admission.NewAttributesRecord(as.object, as.old, s.kind, s.asked().AdmissionNamespace(), s.name, s.resource, "", operation, options, false, s.asked().UserInfo())
	return versionedRequest(record, as, s.kind, s.resource)
}

// sent is the object of a request, and the one that it replaces, if any.
type sent struct{ object, old runtime.Object }

func versionedRequest(record admission.Attributes, as sent, kind schema.GroupVersionKind, resource schema.GroupVersionResource) *attributes {
	versioned := &admission.VersionedAttributes{Attributes: record, VersionedKind: kind}
	versioned.VersionedObject.Set(as.object)
	versioned.VersionedOldObject.Set(as.old)
	request := plugincel.CreateAdmissionRequest(record, metav1.GroupVersionResource(resource), metav1.GroupVersionKind(kind))
	return &attributes{versioned: versioned, request: request}
}
