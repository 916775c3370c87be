import{j as r}from"./chunk-RCIP7GME.js";import{i as t,k as a}from"./chunk-PV4VTKSA.js";import"./chunk-EDD2D2PR.js";try{await import("./main-UGMY57ER.js")}catch(e){throw r.end(),t("state").dataset.phase="refused",a(t("phase"),"not loaded"),a(t("reason"),"part of this page is missing: reload it"),e}
//# sourceMappingURL=boot-EAGMZ7PF.js.map
