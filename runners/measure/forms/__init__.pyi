from .forms import FormError as FormError
from .forms import RunnableForm as RunnableForm
from .forms import make_form as make_form
from .preparation import prepare_form as prepare_form
from .variant import FORMS as FORMS
from .variant import FormVariant as FormVariant
from .variant import PreparedForm as PreparedForm
