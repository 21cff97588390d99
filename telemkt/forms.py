"""How every form is drawn: rows of the look, the fault under its field, no class written in a form.

`FORM_RENDERER = "telemkt.forms.HouseRenderer"` with "django.forms" among the installed apps.
"""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting

TICKS = (forms.CheckboxInput, forms.CheckboxSelectMultiple, forms.RadioSelect)
CHOICES = (forms.Select, forms.SelectMultiple, forms.NullBooleanSelect)


def class_of(widget: forms.Widget) -> str:
    """The class of components.css for a control."""
    if isinstance(widget, TICKS):
        return "form-check-input"
    if isinstance(widget, CHOICES):
        return "form-select"
    return "" if widget.is_hidden else "form-control"


class HouseField(BoundField):
    """A field whose control carries the classes of the look, and says when its value is wrong."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        widget = widget or self.field.widget
        attrs = super().build_widget_attrs(attrs, widget)
        classes = [widget.attrs.get("class", ""), attrs.get("class", ""), class_of(widget)]
        if self.form.is_bound and self.errors:
            classes.append("is-wrong")
        joined = " ".join(filter(None, classes))
        return {**attrs, "class": joined} if joined else attrs


class HouseRenderer(TemplatesSetting):
    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
    bound_field_class = HouseField
