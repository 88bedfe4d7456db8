package appset

import "reflect"

// measure is about how long a value would be if it were written out, indented;
// something beyond the limit when it is longer. What stands in it twice counts
// twice, and so does not fit what contains itself.
func measure(value any, limit int64) int64 {
	return measureValue(reflect.ValueOf(value), limit)
}

func measureValue(value reflect.Value, limit int64) int64 {
	left := limit
	measureInto(value, &left, 1)
	return limit - left
}

// measureInto takes a value's length from what is left, and stops below zero.
func measureInto(value reflect.Value, left *int64, depth int64) {
	if *left -= depth; *left < 0 {
		return
	}
	switch value.Kind() {
	case reflect.String:
		*left -= int64(value.Len())
	case reflect.Interface, reflect.Pointer:
		measureInto(value.Elem(), left, depth+1)
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			*left -= int64(value.Len())
			return
		}
		for i := 0; i < value.Len() && *left >= 0; i++ {
			measureInto(value.Index(i), left, depth+1)
		}
	case reflect.Map:
		for entries := value.MapRange(); *left >= 0 && entries.Next(); {
			measureInto(entries.Key(), left, depth+1)
			measureInto(entries.Value(), left, depth+1)
		}
	case reflect.Struct:
		for i := 0; i < value.NumField() && *left >= 0; i++ {
			measureInto(value.Field(i), left, depth+1)
		}
	case reflect.Invalid, reflect.Bool, reflect.Chan, reflect.Func, reflect.UnsafePointer,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		*left -= 8
	}
}
