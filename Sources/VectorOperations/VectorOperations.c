#include "VectorOperations.h"
